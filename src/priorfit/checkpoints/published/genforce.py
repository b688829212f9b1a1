"""GenForce's model zoo: NVIDIA's PGGAN and StyleGAN converted, and StyleGANs of their own.

github.com/genforce/genforce, models/model_zoo.py.
"""

from priorfit.checkpoints.published.file import Published

_SHARE = "https://mycuhk-my.sharepoint.com/:u:/g/personal/1155082926_link_cuhk_edu_hk/"
_ZOO = "https://github.com/genforce/genforce/blob/master/MODEL_ZOO.md"
_OWN = "none stated; StyleGAN, whose code is NVIDIA's"
_NVIDIA = "CC BY-NC 4.0, NVIDIA, whose they are"

# Where the pickles lie that were converted, as the READMEs of tkarras/progressive_growing_of_gans
# and NVlabs/stylegan say.
_PGGAN_PICKLES = "https://drive.google.com/open?id=15hvzxt_XxuokSmj0uO4xxMTMWVc0cIMU"
_STYLEGAN_PICKLES = "https://drive.google.com/open?id=1MASQyN5m0voPcx7-9K0r5gObhvvPups7"

# The key of each at the sharing site.
_OF_PGGAN = {
    "celebahq": "EW_3jQ6E7xlKvCSHYrbmkQQBAB8tgIv5W5evdT6-GuXiWw?e=gRifVa",
    "bedroom": "EUZQWGz2GT5Bh_GJLalP63IBvCsXDTOxDFIC_ZBsmoEacA?e=VNXiDb",
    "livingroom": "Efzh6qQv6QtCm0YN1lulH-YByqdE3AqlI-E6US_hXMuiig?e=ppdyB2",
    "diningroom": "EcLb3_hGUkdClompZo27xk0BNmotgbFqdIeu-ZOGJsBMRg?e=xjYpN3",
    "kitchen": "ESCyg6hpNn1LlHVX_un1wLsBZAORUNkW9MO2kU1X5kafAQ?e=09TbGC",
    "churchoutdoor": "EQ8cKujs2TVGjCL_j6bsnk8BqD9REF2ME2lBnpbTPsqIvA?e=zH55fT",
    "tower": "EeyBJvgRVGJClKr1KKYDF_cBT1FDepRU1-GLqYNh8W9-fQ?e=nrpa5N",
    "bridge": "EZ2QScfPy19PiDERLJQ3gPMBP4WmvZHwhNFLzfaP2YD8hQ?e=bef1U9",
    "restaurant": "ERvJ4pz8jgtMrcuJXUfcOQEBDugZ099_TetCQs-9-ILCVg?e=qYsVdQ",
    "classroom": "EUU9SCOPUxhMoUS4Ceo9kl0BQkVK7d69lA-JeOP-zOWvXw?e=YIB4no",
    "conferenceroom": "EX8AF0_6NoJAl5vKFewHWnsBk0r4PK4WsqsMrJyj84TrqQ?e=oNQIZS",
    "person": "EWu4SqR42YpCoqsVJOcM2cMBcdfXA0j5wZ2hno9X0R9ydQ?e=KuDRns",
    "cat": "EQdveyUNOMtAue52n6BxoHoB6Yup5-PTvBDmyfUn7Un4Hw?e=7acGbT",
    "dog": "ESaKyXA5fGlOvXJYDDFbT2kB9c0HlXh9n_wnyhiP05nhow?e=d4aKDV",
    "bird": "Ef2p4Pd3AKVCmSm00YikCIABhylh2dLPaFjPfPVn3RiTXA?e=9bRitp",
    "horse": "EXwCPdv6XqJFtuvFFoswRScBmLJbhKzaC5D_iovl1GFOTw?e=WDdD77",
    "sheep": "ER6J5EKjAUNFtm9VwLf-uUsBZ5dnqxeKsPxY9ijiPtMhcQ?e=OKtfva",
    "cow": "ERZLxw7N7xJPm72FyePTbpcByzrr0pH-Fg7qyLt5tYGXwQ?e=ovIPCl",
    "car": "EfGc2we47aFDtAY1548pRvsByIju-uXRbkZEFpJotuPKZw?e=DQqVj8",
    "bicycle": "Ed1dN_FgwmdBgeNWhaRUry8BgwT88-n2ppicSDPx-f7f_Q?e=bxTxnf",
    "motorbike": "EV3yQdeJXIdPjZbMO0mp2-MBJbKuuBdypzBL4gnedO57Dw?e=tXdvtD",
    "bus": "Ed7-OYLnq0RCqRlM8qK8wZ8B87dz_NUxIKBrvyFUwRCEbg?e=VP5bmX",
    "train": "EedE2cozKOVAkhvbdLd4SfwBknFW8vWZnKiqgeIBbAvCCA?e=BrLpTl",
    "boat": "Eb39waqQFr9Bp4wO0rC5NHwB0Vz2NGCuqbRPucguBIkDrg?e=lddSyL",
    "airplane": "Ee6FzIx3KjNDhxrS5mDvpCEB3iQ7TgErmKhbwbV-eF07iw?e=xflPXa",
    "bottle": "EWhoy2AFCTZGtEG1UoayWjcB9Kdc_wreJ8p4RlBB93nbNg?e=DMZceU",
    "chair": "EbQRTfwdostBhXG30Uacn7ABsEUFa-tEW3oxiM5zDYQbRw?e=FkB7T0",
    "pottedplant": "EWg7hnoGATBOuJvXWr4m7CQBJL9o7nqnD6nOMRhtH2SKXg?e=Zi3hjD",
    "tvmonitor": "EVXwttoJVtBMuhHNDdK3cMwBdMiZARJV38PMTsL6whnFlA?e=RbG0ru",
    "diningtable": "EXVzBkbmTCVImMtuHLCTBeMBXZmv0RWyx5KXQQAe7-7D5w?e=6RYSnm",
    "sofa": "EaADQYDXwY9NrzbiUFcRYRgBOu1GdJMG8YgNZZmbNjbn-Q?e=DqKrXG",
}
# The side of the images, the key, and what NVIDIA calls the set.
_OF_STYLEGAN = {
    "ffhq": (1024, "EXn4sso_9fBEvXBEKAyGiekBXEpmsPOsVXZC0YIOE_iwWQ?e=rnhgd7", "ffhq-1024x1024"),
    "celebahq": (
        1024,
        "EcCdXHddE7FOvyfmqeOyc9ABqVuWh8PQYFnV6JM1CXvFig?e=1nUYZ5",
        "celebahq-1024x1024",
    ),
    "bedroom": (256, "Ea6RBPddjcRNoFMXm8AyEBcBUHdlRNtjtclNKFe89amjBw?e=Og8Vff", "bedrooms-256x256"),
    "cat": (256, "EVjX8u9HuehLip3z0hRfIHcB7QtoFkTB7NiRDb8nrKOl2w?e=lHcp1B", "cats-256x256"),
    "car": (512, "EcRJNNzzUzJGjI2X53S9HjkBhXkKT5JRd6Q3IIhCY1AyRw?e=FvMRNj", "cars-512x384"),
}
_OWN_STYLEGAN = {
    ("celeba_partial", 256): "ET2etKNzMS9JmHj5j60fqMcBRJfQfYNvqUrujaIXxCvKDQ?e=QReLE6",
    ("ffhq", 256): "ES-NAUCC2qdHg87BftvlBiQBVpbJ8-005Q4TNr5KrOxQEw?e=00AnWt",
    ("ffhq", 512): "EZYrrwOiEgVOg-PfGv7QTegBzFQ9yq2v7o1WxNq5JJ9KNA?e=SZU8PI",
    ("livingroom", 256): "EfFCYLHjqbFDmjOvCCFJgDcBZ1QYgETfZJxp4ZTHjLxZBg?e=InVd0n",
    ("diningroom", 256): "ERsUza_hSFRIm4iZCag7P0kBQ9EIdfQKByw4QYt_ay97lg?e=Cimh7S",
    ("kitchen", 256): "ERcYvoingQNKix35lUs0vUkBQQkAZMp1rtDxjwNlOJAoaA?e=a1Tcwr",
    ("apartment", 256): "EfurPNSB2BRFtXdqGkmDD6YBwyKN8YK2v7nKwnJQdsbf6A?e=w3oYa4",
    ("church", 256): "ETMgG1_d06tAlbUkJD1qA9IBaLZ9zJKPkG2kO-4jxhVV5w?e=Dbkb7o",
    ("tower", 256): "Ebm9QMgqB2VDqyIE5rFhreEBgZ_RyKcRf8bQ333K453u3w?e=if8sDj",
    ("bridge", 256): "Ed9QM6OP9sVHnazSp4cqPSEBb-ALfBPXRxP1hD7FsTYh8w?e=3vv06p",
    ("restaurant", 256): "ESDhYr01WtlEvBNFrVpFezcB2l9lF1rBYuHFoeNpBr5B7A?e=uFWFNh",
    ("classroom", 256): "EbWnI3oto9NPk-lxwZlWqPQB2atWpGiTWMIT59MzF9ij9Q?e=KvcNBg",
    ("conferenceroom", 256): "Eb1gVi3pGa9PgJ4XYYu_6yABQZ0ZcGDak4FEHaTHaeYFzw?e=0BeE8t",
    ("animeface", 512): "EWDWflY6lBpGgX0CGQpd2Z4B5wTEVamTOA9JRYne7zdCvA?e=tOzgYA",
    ("animeportrait", 512): "EXBvhTBi-v5NsnQtrxhFEKsBin4xg-Dud9Jr62AEwFTIxg?e=bMGK7r",
    ("artface", 512): "Eca0OiGqhyZMmoPbKahSBWQBWvcAH4q2CE3zdZJflp2jkQ?e=h4rWAm",
}
_SETS = {
    "animeface": "faces of anime; made by a third party",
    "animeportrait": "portraits of anime; made by a third party",
    "apartment": "bedrooms, living and dining rooms and kitchens, LSUN",
    "artface": "painted faces; made by a third party",
    "celeba_partial": "faces, not all in the centre, CelebA",
    "celebahq": "faces, CelebA-HQ",
    "church": "churches, LSUN",
    "churchoutdoor": "churches, LSUN",
    "classroom": "class rooms, LSUN",
    "conferenceroom": "conference rooms, LSUN",
    "diningroom": "dining rooms, LSUN",
    "diningtable": "dining tables, LSUN",
    "ffhq": "faces, FFHQ",
    "livingroom": "living rooms, LSUN",
    "person": "people, LSUN",
    "pottedplant": "potted plants, LSUN",
    "sheep": "sheep, LSUN",
    "tvmonitor": "screens, LSUN",
}


def _published(family: str, of: str, side: int, key: str, original: str = "") -> Published:
    note = f"converted from {original}, which can be imported too" if original else ""
    return Published(
        name=f"{family}-{of.replace('_', '-')}-{side}",
        kind=family,
        does=_SETS.get(of, f"{'buses' if of == 'bus' else f'{of}s'}, LSUN"),
        file=f"{family}_{of}{side}.pth",
        page=_ZOO,
        code="MIT",
        weights=_NVIDIA if original else _OWN,
        size=(side, side),
        url=f"{_SHARE}{key}&download=1",
        note=note,
    )


def _pggan(of: str, key: str) -> Published:
    side = 1024 if of == "celebahq" else 256
    what = {"celebahq": "celebahq", "diningroom": "lsun-dining_room"}.get(of, f"lsun-{of}")
    file = f"karras2018iclr-{what}-{side}x{side}.pkl"
    return _published("pggan", of, side, key, f"{file} at {_PGGAN_PICKLES}")


def _stylegan(of: str, side: int, key: str, original: str) -> Published:
    file = f"karras2019stylegan-{original}.pkl"
    return _published("stylegan", of, side, key, f"{file} at {_STYLEGAN_PICKLES}")


FILES = (
    *(_pggan(of, key) for of, key in _OF_PGGAN.items()),
    *(_stylegan(of, *facts) for of, facts in _OF_STYLEGAN.items()),
    *(_published("stylegan", of, side, key) for (of, side), key in _OWN_STYLEGAN.items()),
)
